"""Tables of scores from elsewhere, and what is said about wrong ones."""

import math

import pytest

from deepfake_adv.evaluation.score_table import read_score_table
from deepfake_adv.evaluation.units import PAIRS, VIDEOS


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "scores.csv").write_text(text, encoding="utf-8")
        return tmp_path / "scores.csv"

    return write


def test_rows_are_videos_or_frames(table):
    videos = read_score_table(table("video,label,score\na,real,0.2\nb,FAKE,0.7\nc,1,0.9\n"))
    assert (videos.frames, videos.probabilities, videos.missing) == (False, True, 0)
    assert videos.scores.label.tolist() == [0, 1, 1]
    frames = read_score_table(table("score,label,video,frame,model\n-3,0,a,1,x\n-2,0,a,2,x\n4,1,b,1,x\n"))
    assert (frames.frames, frames.probabilities) == (True, False)
    test = frames.test_set()
    assert test.names == ("a", "b")
    assert test.videos[0].scores.tolist() == [-2.5, 4]
    assert test.units.kind == VIDEOS


def test_missing_scores_are_counted_and_a_video_without_any_says_nothing(table):
    text = "video,label,score\na,0,0.1\na,0,\na,0,NaN\nb,1,n/a\nc,1,inf\nd,1,0.9\n"
    found = read_score_table(table(text))
    assert found.missing == 4
    test = found.test_set()
    assert (test.lost_frames, test.lost_videos) == (4, 2)
    assert test.videos[0].scores.tolist() == [0.1, 0.5, 0.5, 0.9]
    logits = read_score_table(table("video,label,score\na,0,-4\nb,1,\nc,1,2\nd,1,3\n"))
    assert logits.test_set().videos[0].scores.tolist() == [-4, 2, 2, 3]  # the median


def test_targets_and_sources_make_pairs(table):
    lines = ["video,label,score,target,source,forgery"]
    for k in range(6):
        i, j = f"{2 * k:03d}", f"{2 * k + 1:03d}"
        lines += [f"{i},real,0.1,{i},,", f"{j},real,0.3,{j},,", f"{i}_{j},fake,0.8,{i},{j},DF"]
    found = read_score_table(table("\n".join(lines)))
    assert (found.test_set().units.kind, found.test_set().units.count()) == (PAIRS, 6)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("video;label;score", "parted by semicolons: save it with commas"),
        ("video\tlabel\tscore", "parted by tabs: save it with commas"),
        (",video,label,score", "as pandas writes the index: save it with index=False"),
        ("Video,label,score", "Rename the column Video to video"),
        ("Path,label,score", "Rename the column Path to video"),
        ("path,y_true,prob", "Rename the column path to video"),
        ("video,label,score,sorce", "Did you mean 'source' in place of sorce?"),
        ("video,label,score,Target", "Rename the column Target to target"),
        ("video,label", "Correct its first line"),
        ("", "got none"),
    ],
)
def test_a_wrong_header_gets_its_hint_and_the_columns_explained(table, header, said):
    with pytest.raises(ValueError, match=r"must have the columns video, label, score; got") as caught:
        read_score_table(table(f"{header}\n"))
    assert said in str(caught.value)
    assert "- label: real or fake, or 0 or 1" in str(caught.value)


def test_wrong_lines_are_named_at_once(table):
    text = (
        "video,label,score,frame,target,forgery\na,0,0.1,1,x,\n,0,0.1\nv\\b,1,0.5\nc,maybe,0.5\nd,1,high\na,1,0.2,2,x\n"
        "a,0,0.2,3,y\na,0,0.3,1,x\ne,0,0.3,1,e,DF\nf,1,0.3,1,e,real\ng,1,0.3,1,e,DF,more\n"
    )
    with pytest.raises(ValueError, match="has 10 errors") as caught:
        read_score_table(table(text))
    for said in (
        "line 3: video must be given",
        r"line 4: paths must have / between folders; got 'v\\b'. Replace each \ by /",
        "line 5: label must be real or fake (0 or 1); got 'maybe'",
        "line 6: score must be a number, or empty where it is missing; got 'high'",
        "line 7: label must be one for each video; got '1' and before '0' for a",
        "line 8: target must be one for each video; got 'y' and before 'x' for a",
        "line 9: a frame must have one row; got frame 1 of a again",
        "line 10: forgery must be empty or real for a real video; got 'DF'",
        "line 11: forgery must be another than real for a fake",
        "line 12: fields must be as many as columns; got 'more' after the last",
    ):
        assert said in str(caught.value)


def test_files_without_scores_are_refused(table, tmp_path):
    with pytest.raises(ValueError, match="must have rows; got a header alone"):
        read_score_table(table("video,label,score\n"))
    with pytest.raises(ValueError, match="must have a score; got none in 2 rows"):
        read_score_table(table("video,label,score\na,0,\nb,1,nan\n"))
    with pytest.raises(FileNotFoundError, match="must be a table of scores; found nothing"):
        read_score_table(tmp_path / "none.csv")
    (tmp_path / "run.parquet").touch()
    with pytest.raises(ValueError, match="must be a CSV file; got parquet"):
        read_score_table(tmp_path / "run.parquet")
    assert math.isnan(read_score_table(table("video,label,score\na,0,\nb,1,1\n")).scores.score[0])
