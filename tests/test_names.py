import pytest

from deepfake_adv.names import Condition, Forgery, Quality


@pytest.mark.parametrize("forgery", [*map(str, Forgery), "FF"])
@pytest.mark.parametrize("quality", [*map(str, Quality), "all"])
def test_condition_reads_what_it_writes(forgery, quality):
    assert Condition.parse(str(Condition(forgery, quality))) == (forgery, quality)


@pytest.mark.parametrize("text", ["NT-c23", "NT", "NT_c24", "N T_c23", "-_c23", "all_c23", "", "_c23", "NT_"])
def test_condition_refuses_other_text(text):
    with pytest.raises(ValueError, match="condition must be"):
        Condition.parse(text)


def test_a_forgery_may_have_a_name_of_ones_own():
    assert Condition.parse("my_gan-2_native") == ("my_gan-2", "native")


def test_reals_alone_are_a_condition_of_tests_only():
    assert Condition.parse("real_c23", real=True) == ("real", "c23")
    with pytest.raises(ValueError, match="condition must be"):
        Condition.parse("real_c23")


def test_condition_says_which_forgeries_and_qualities_it_holds():
    assert Condition.parse("FF_all").forgeries() == ("DF", "F2F", "FS", "NT")
    assert Condition.parse("FF_all").qualities() is None
    assert Condition.parse("NT_c40").forgeries() == ("NT",)
    assert Condition.parse("NT_c40").qualities() == ("c40",)
