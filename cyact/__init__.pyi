from types import TracebackType
from typing import Any, Literal, SupportsIndex, TypeAlias, TypeVar, overload

from numpy.typing import ArrayLike, DTypeLike, NDArray

__version__: str

__all__ = [
    "get_num_threads",
    "leaky_relu",
    "leaky_relu_grad",
    "num_threads",
    "relu",
    "relu_grad",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "sigmoid_grad",
    "tanh",
    "tanh_grad",
]

_Out = TypeVar("_Out", bound=NDArray[Any])
_Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Order: TypeAlias = Literal["K", "A", "C", "F"]

@overload
def relu(
    features: ArrayLike,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def relu(
    features: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def leaky_relu(
    features: ArrayLike, alpha: ArrayLike = 0.2,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def leaky_relu(
    features: ArrayLike, alpha: ArrayLike = 0.2,
    out: _Out | tuple[_Out] = ...,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def sigmoid(
    features: ArrayLike,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def sigmoid(
    features: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def tanh(
    features: ArrayLike,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def tanh(
    features: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def relu_grad(
    gradients: ArrayLike, features: ArrayLike,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def relu_grad(
    gradients: ArrayLike, features: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def leaky_relu_grad(
    gradients: ArrayLike, features: ArrayLike, alpha: ArrayLike = 0.2,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def leaky_relu_grad(
    gradients: ArrayLike, features: ArrayLike, alpha: ArrayLike = 0.2,
    out: _Out | tuple[_Out] = ...,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def sigmoid_grad(
    y: ArrayLike, dy: ArrayLike,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def sigmoid_grad(
    y: ArrayLike, dy: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
@overload
def tanh_grad(
    y: ArrayLike, dy: ArrayLike,
    out: None = None,
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> Any: ...
@overload
def tanh_grad(
    y: ArrayLike, dy: ArrayLike,
    out: _Out | tuple[_Out],
    *,
    where: ArrayLike = True,
    casting: _Casting = "same_kind",
    order: _Order = "K",
    dtype: DTypeLike | None = None,
    subok: bool = True,
    name: str | None = None,
) -> _Out: ...
def set_num_threads(n: SupportsIndex) -> None: ...
def get_num_threads() -> int: ...
def show_config() -> None: ...

class num_threads:
    def __init__(self, n: SupportsIndex) -> None: ...
    def __enter__(self) -> num_threads: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
