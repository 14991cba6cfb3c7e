import tracemalloc

import pytest

from minikube_py.meta.encoding import decode, encode
from minikube_py.meta.errors import BadRequest


@pytest.mark.parametrize("length", [10, 1_000, 5_000, 100_000])
def test_what_is_encoded_takes_no_more_memory_than_it_is_long(length: int) -> None:
    value = {"data": "x" * length}
    encode(value)

    tracemalloc.start()
    try:
        kept = [encode(value) for _ in range(10)]
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used < sum(map(len, kept)) + 10 * 100


def test_what_is_no_json_is_a_bad_request_that_names_the_place() -> None:
    with pytest.raises(BadRequest, match=r"not valid JSON: .* line 1 column 2"):
        decode(b"{]")
