from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Protocol, SupportsIndex, TypedDict, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from typing_extensions import Unpack

__version__: str

_Out = TypeVar("_Out", bound=NDArray[Any])

class _Options(TypedDict, total=False):
    """What every function takes besides, by keyword."""

    where: ArrayLike
    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"]
    dtype: DTypeLike | None
    subok: bool
    name: str | None

class _AxisOptions(TypedDict, total=False):
    """What every function along an axis takes besides, by keyword."""

    casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"]
    order: Literal["K", "A", "C", "F"]
    dtype: DTypeLike | None
    subok: bool
    name: str | None

_Axis = SupportsIndex | tuple[SupportsIndex, ...] | None

class _Function(Protocol):
    __name__: str
    @property
    def ufunc(self) -> np.ufunc: ...
    @property
    def dtypes(self) -> tuple[str, ...]: ...

# One for each way in which functions are called.

class _OfFeatures(_Function, Protocol):
    @overload
    def __call__(self, features: ArrayLike, out: None = None, **options: Unpack[_Options]) -> Any: ...
    @overload
    def __call__(self, features: ArrayLike, out: _Out | tuple[_Out], **options: Unpack[_Options]) -> _Out: ...

class _OfFeaturesAlpha(_Function, Protocol):
    @overload
    def __call__(
        self, features: ArrayLike, alpha: ArrayLike = ..., out: None = None, **options: Unpack[_Options]
    ) -> Any: ...
    @overload
    def __call__(
        self, features: ArrayLike, alpha: ArrayLike = ..., out: _Out | tuple[_Out] = ..., **options: Unpack[_Options]
    ) -> _Out: ...

class _OfGradientsFeatures(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, out: None = None, **options: Unpack[_Options]
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, out: _Out | tuple[_Out], **options: Unpack[_Options]
    ) -> _Out: ...

class _OfGradientsFeaturesAlpha(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, alpha: ArrayLike = ..., out: None = None,
        **options: Unpack[_Options],
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, alpha: ArrayLike = ..., out: _Out | tuple[_Out] = ...,
        **options: Unpack[_Options],
    ) -> _Out: ...

class _OfFeaturesBeta(_Function, Protocol):
    @overload
    def __call__(
        self, features: ArrayLike, beta: ArrayLike = ..., out: None = None, **options: Unpack[_Options]
    ) -> Any: ...
    @overload
    def __call__(
        self, features: ArrayLike, beta: ArrayLike = ..., out: _Out | tuple[_Out] = ..., **options: Unpack[_Options]
    ) -> _Out: ...

class _OfFeaturesThreshold(_Function, Protocol):
    @overload
    def __call__(
        self, features: ArrayLike, threshold: ArrayLike = ..., out: None = None, **options: Unpack[_Options]
    ) -> Any: ...
    @overload
    def __call__(
        self, features: ArrayLike, threshold: ArrayLike = ..., out: _Out | tuple[_Out] = ...,
        **options: Unpack[_Options],
    ) -> _Out: ...

class _OfGradientsFeaturesThreshold(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, threshold: ArrayLike = ..., out: None = None,
        **options: Unpack[_Options],
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, threshold: ArrayLike = ..., out: _Out | tuple[_Out] = ...,
        **options: Unpack[_Options],
    ) -> _Out: ...

class _OfGradientsFeaturesBeta(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, beta: ArrayLike = ..., out: None = None,
        **options: Unpack[_Options],
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, beta: ArrayLike = ..., out: _Out | tuple[_Out] = ...,
        **options: Unpack[_Options],
    ) -> _Out: ...

class _OfGradientsOutputs(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, outputs: ArrayLike, out: None = None, **options: Unpack[_Options]
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, outputs: ArrayLike, out: _Out | tuple[_Out], **options: Unpack[_Options]
    ) -> _Out: ...

class _OfGradientsOutputsAlpha(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, outputs: ArrayLike, alpha: ArrayLike = ..., out: None = None,
        **options: Unpack[_Options],
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, outputs: ArrayLike, alpha: ArrayLike = ..., out: _Out | tuple[_Out] = ...,
        **options: Unpack[_Options],
    ) -> _Out: ...

class _OfFeaturesApproximate(_Function, Protocol):
    @overload
    def __call__(
        self, features: ArrayLike, out: None = None, *, approximate: bool | np.bool_ = ..., **options: Unpack[_Options]
    ) -> Any: ...
    @overload
    def __call__(
        self, features: ArrayLike, out: _Out | tuple[_Out], *, approximate: bool | np.bool_ = ...,
        **options: Unpack[_Options],
    ) -> _Out: ...

class _OfGradientsFeaturesApproximate(_Function, Protocol):
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, out: None = None, *, approximate: bool | np.bool_ = ...,
        **options: Unpack[_Options],
    ) -> Any: ...
    @overload
    def __call__(
        self, gradients: ArrayLike, features: ArrayLike, out: _Out | tuple[_Out], *,
        approximate: bool | np.bool_ = ..., **options: Unpack[_Options],
    ) -> _Out: ...

class _OfYDy(_Function, Protocol):
    @overload
    def __call__(self, y: ArrayLike, dy: ArrayLike, out: None = None, **options: Unpack[_Options]) -> Any: ...
    @overload
    def __call__(
        self, y: ArrayLike, dy: ArrayLike, out: _Out | tuple[_Out], **options: Unpack[_Options]
    ) -> _Out: ...

class _OfLogitsAxis(_Function, Protocol):
    @overload
    def __call__(
        self, logits: ArrayLike, axis: _Axis = ..., out: None = None, **options: Unpack[_AxisOptions]
    ) -> Any: ...
    @overload
    def __call__(
        self, logits: ArrayLike, axis: _Axis = ..., out: _Out | tuple[_Out] = ..., **options: Unpack[_AxisOptions]
    ) -> _Out: ...

class _OfLogitsAxisKeepdims(_Function, Protocol):
    @overload
    def __call__(
        self, logits: ArrayLike, axis: _Axis = ..., out: None = None, *, keepdims: bool | np.bool_ = ...,
        **options: Unpack[_AxisOptions],
    ) -> Any: ...
    @overload
    def __call__(
        self, logits: ArrayLike, axis: _Axis = ..., out: _Out | tuple[_Out] = ..., *,
        keepdims: bool | np.bool_ = ..., **options: Unpack[_AxisOptions],
    ) -> _Out: ...

class _OfYDyAxis(_Function, Protocol):
    @overload
    def __call__(
        self, y: ArrayLike, dy: ArrayLike, axis: _Axis = ..., out: None = None, **options: Unpack[_AxisOptions]
    ) -> Any: ...
    @overload
    def __call__(
        self, y: ArrayLike, dy: ArrayLike, axis: _Axis = ..., out: _Out | tuple[_Out] = ...,
        **options: Unpack[_AxisOptions],
    ) -> _Out: ...

celu: _OfFeaturesAlpha
celu_grad: _OfGradientsFeaturesAlpha
elu: _OfFeaturesAlpha
elu_grad: _OfGradientsOutputsAlpha
gaussian: _OfFeatures
gaussian_grad: _OfGradientsFeatures
gelu: _OfFeaturesApproximate
gelu_grad: _OfGradientsFeaturesApproximate
hard_shrink: _OfFeaturesThreshold
hard_shrink_grad: _OfGradientsFeaturesThreshold
hard_sigmoid: _OfFeatures
hard_sigmoid_grad: _OfGradientsFeatures
hard_silu: _OfFeatures
hard_silu_grad: _OfGradientsFeatures
hard_tanh: _OfFeatures
hard_tanh_grad: _OfGradientsFeatures
leaky_relu: _OfFeaturesAlpha
leaky_relu_grad: _OfGradientsFeaturesAlpha
log_sigmoid: _OfFeatures
log_sigmoid_grad: _OfGradientsFeatures
log_softmax: _OfLogitsAxis
log_softmax_grad: _OfYDyAxis
logit: _OfFeatures
logit_grad: _OfGradientsFeatures
logsumexp: _OfLogitsAxisKeepdims
mish: _OfFeatures
mish_grad: _OfGradientsFeatures
relu: _OfFeatures
relu6: _OfFeatures
relu6_grad: _OfGradientsFeatures
relu_grad: _OfGradientsFeatures
selu: _OfFeatures
selu_grad: _OfGradientsOutputs
sigmoid: _OfFeatures
sigmoid_grad: _OfYDy
silu: _OfFeaturesBeta
silu_grad: _OfGradientsFeaturesBeta
soft_shrink: _OfFeaturesThreshold
soft_shrink_grad: _OfGradientsFeaturesThreshold
softmax: _OfLogitsAxis
softmax_grad: _OfYDyAxis
softplus: _OfFeatures
softplus_grad: _OfGradientsFeatures
softsign: _OfFeatures
softsign_grad: _OfGradientsFeatures
step: _OfFeatures
tanh: _OfFeatures
tanh_grad: _OfYDy

def rescale(
    features: ArrayLike, scale: ArrayLike, offset: ArrayLike = ..., out: _Out | tuple[_Out] | None = ..., *,
    activation: str | Callable[..., Any] | None = ..., **options: Unpack[_Options],
) -> Any: ...
def normalize(
    images: ArrayLike, mean: ArrayLike, std: ArrayLike, *, max_value: float | None = ..., axis: SupportsIndex = ...,
    layout: Literal["CHW"] | None = ..., activation: str | Callable[..., Any] | None = ...,
    out: _Out | tuple[_Out] | None = ..., dtype: DTypeLike | None = ..., name: str | None = ...,
) -> Any: ...

def set_num_threads(n: SupportsIndex) -> None: ...
def get_num_threads() -> int: ...

class num_threads:
    def __init__(self, n: SupportsIndex) -> None: ...
    def __enter__(self) -> num_threads: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

def show_config() -> None: ...
