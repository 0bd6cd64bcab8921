from collections.abc import Mapping

VERSION: int
addresses: Mapping[str, int]
table: object

def get_include() -> str: ...
