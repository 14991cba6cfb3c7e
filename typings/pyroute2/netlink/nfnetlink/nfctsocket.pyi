from typing import Any

class NFCTAttrTuple:
    saddr: str | None
    daddr: str | None
    proto: int | None
    sport: int | None
    dport: int | None
    def __init__(
        self,
        *,
        saddr: str | None = ...,
        daddr: str | None = ...,
        proto: int | None = ...,
        sport: int | None = ...,
        dport: int | None = ...,
    ) -> None: ...
    @classmethod
    def from_netlink(cls, family: int, message: Any) -> NFCTAttrTuple: ...
