import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deepfake_adv.parquet import distinct, encode_texts, number_rows, parquet_errors, read_in_multiples, texts


def test_files_are_read_in_order_and_in_complete_row_groups(tmp_path):
    paths = [tmp_path / "b.parquet", tmp_path / "a.parquet"]
    for path, values in zip(paths, (range(3), range(3, 10)), strict=True):
        pq.write_table(pa.table({"x": list(values), "y": list(values)}), path)
    tables = list(read_in_multiples(paths, ["x"], rows=4))
    assert [len(table) for table in tables] == [8, 2]
    assert pa.concat_tables(tables).to_pydict() == {"x": list(range(10))}
    assert list(read_in_multiples([], None, rows=4)) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_a_damaged_file_is_named_with_what_writes_it_again(tmp_path, content):
    path = tmp_path / "boxes.parquet"
    path.write_bytes(content)
    with (
        pytest.raises(ValueError, match=r"boxes\.parquet must be a complete box table; got: .+\. Delete it and run"),
        parquet_errors(path, "box table", "run `x`"),
    ):
        pq.read_table(path)


def test_an_error_of_the_file_system_is_raised_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError), parquet_errors(tmp_path / "x", "box table", "run `x`"):
        pq.read_table(open(tmp_path / "x", "rb"))  # noqa: SIM115


@pytest.mark.parametrize("encoded", [False, True])
def test_rows_are_numbered_in_the_order_in_which_they_appear(encoded):
    columns = {"a": ["x", "y", "x", "x", None], "b": ["1", "1", "2", "1", "2"]}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    if encoded:
        table = pa.table({name: table[name].dictionary_encode() for name in columns})
    assert number_rows(table, "a", "b").tolist() == [0, 1, 2, 0, 3]
    frame = table.to_pandas().groupby(["a", "b"], sort=False, dropna=False, observed=True)
    assert number_rows(table, "a", "b").tolist() == frame.ngroup().tolist()
    assert distinct(table, "a", "b") == [("x", "1"), ("y", "1"), ("x", "2"), (None, "2")]
    assert texts(table, "a").tolist() == columns["a"]
    codes, values = encode_texts(table["a"])
    assert (codes.tolist(), values) == ([0, 1, 0, 0, -1], ["x", "y"])


def test_a_table_without_rows_has_no_numbers():
    table = pa.table({"a": pa.array([], pa.string())})
    assert number_rows(table, "a").dtype == np.int64
    assert distinct(table, "a") == []
    assert texts(table, "a").tolist() == []
