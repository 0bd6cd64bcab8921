"""How ``rescale`` goes over arrays: by pixels where scale and offset repeat, else by single elements."""

cimport numpy as cnp
from cpython.object cimport PyObject
from libc.math cimport signbit
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from cyact.arrays cimport (
    GIL_FREE, PyArray_DATA, PyArray_DIM, PyArray_DIMS, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_STRIDE, PyArray_STRIDES,
    PyArrayObject, broadcast_strides, compute_strided, fill_nest,
)
from cyact.dispatch cimport begin_nest, level, run_contiguous, run_rows, run_strided
from cyact.kernels.formulas_rescale cimport Parts, split_constants
from cyact.kernels.table cimport MAX_DIMS, ORDERED, PATTERN, Kernel, LoopNest, Rescaling, magnitude

cnp.import_array()

cdef enum:
    LONGEST_PIXEL = 64      # bytes, unless pixels lie in one straight run
    FEW_CHANNELS = 4        # an image has at most
    LEAST_ROW = 8           # pixels: rows of fewer are copied, many at a time


# ---- scale and offset ----

# False where an array does not broadcast to the shape of x.
cdef bint broadcast(Given* given, int k, object constant, PyArrayObject* x) noexcept:
    cdef PyArrayObject* array = <PyArrayObject*> <PyObject*> constant
    if type(constant) is float:
        given.numbers[k] = constant
        given.data[k], given.strides[k] = <char*> &given.numbers[k], NULL
        return True
    given.data[k], given.strides[k] = <char*> PyArray_DATA(array), given.room[k]
    return broadcast_strides(array, PyArray_NDIM(x), PyArray_DIMS(x), given.room[k])


# The axis along which they differ.
cdef int channel_axis(const Given* given, PyArrayObject* x) noexcept:
    cdef int axis, k, found = NONE
    for axis in range(PyArray_NDIM(x)):
        for k in range(2):
            if given.strides[k] != NULL and given.strides[k][axis] != 0 and PyArray_DIM(x, axis) > 1 and found != axis:
                if found != NONE:
                    return SEVERAL
                found = axis
    return found


# The axis of an image's channels, where all have the same constants: a few elements beside each other.
cdef int pixel_axis(PyArrayObject* x) noexcept:
    cdef int axis
    for axis in range(PyArray_NDIM(x)):
        if 1 < PyArray_DIM(x, axis) <= FEW_CHANNELS and magnitude(PyArray_STRIDE(x, axis)) == PyArray_ITEMSIZE(x):
            return axis
    return NONE


# ---- constants that repeat ----

cdef inline void place(Rescaling* r, const Parts* parts, double scale, double offset, Py_ssize_t at) noexcept nogil:
    if r.in_parts:
        r.constants.parts[0][at], r.constants.parts[1][at] = parts.scale_high, parts.offset_high
        r.constants.parts[2][at], r.constants.parts[3][at] = parts.scale_low, parts.offset_low
    else:
        r.constants.whole[0][at], r.constants.whole[1][at] = scale, offset


# Whether the result is 0 for every x: of such, both kinds of constants have the same bits.
cdef inline bint is_nothing(double scale, double offset) noexcept nogil:
    return scale == 0 and offset == 0 and not signbit(offset)


# How many channels have constants that can be split, of those whose result is not 0; and how many these are.
cdef int count_split(const Rescaling* r, char** data, const Py_ssize_t* steps, int* channels) noexcept nogil:
    cdef double scale, offset, least = -128 if r.first.types[0] == b"b" else 0
    cdef Parts parts
    cdef int count = 0, c
    channels[0] = 0
    for c in range(r.channels):
        scale = (<double*> (data[0] + c * steps[0]))[0]
        offset = (<double*> (data[1] + c * steps[1]))[0]
        if not is_nothing(scale, offset):
            channels[0] += 1
            count += split_constants(scale, offset, least, &parts)
    return count


# Fills in the pattern, for n elements, from the constants of the first channel and what leads to those of the next.
cdef void fill_pattern(Rescaling* r, char** data, const Py_ssize_t* steps, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t filled, more, count = min(n, <Py_ssize_t> r.length), itemsize = 4 if r.in_parts else 8
    cdef int each = 16 if r.plane != 0 or r.channels == 1 else 1, c, i, k
    cdef double scale, offset, least = -128 if r.first.types[0] == b"b" else 0
    cdef Parts parts = Parts(0, 0, 0, 0)
    cdef char* row
    for c in range(r.channels):
        scale = (<double*> (data[0] + c * steps[0]))[0]
        offset = (<double*> (data[1] + c * steps[1]))[0]
        if r.in_parts:
            parts = Parts(0, 0, 0, 0)
            if not is_nothing(scale, offset):
                split_constants(scale, offset, least, &parts)
        for i in range(each):
            place(r, &parts, scale, offset, each * c + i)
    for k in range(4 if r.in_parts else 2):
        row = <char*> r.constants.parts[k] if r.in_parts else <char*> r.constants.whole[k]
        filled = each * r.channels
        while filled < count:
            more = min(filled, count - filled)
            memcpy(row + filled * itemsize, row, more * itemsize)
            filled += more


# How many elements a pattern has: whole pixels, and whole vectors of any level. More of them where a kernel is called
# for each. 0 where there is no room.
cdef int pattern_length(int channels, bint in_parts) noexcept nogil:
    cdef int length = channels
    while length % 16 != 0:
        length *= 2
    if length > PATTERN:
        return 0
    return length if in_parts or length > PATTERN // 2 else PATTERN // 2 // length * length


# How pixels are brought into the output's order.
cdef void fill_order(Rescaling* r, int size, bint backwards) noexcept nogil:
    cdef int group = 16 // size, last = r.first.itemsize[0] - 1, i = 0, p, k, at
    memset(r.order, 0, sizeof(r.order))
    for p in range(group):
        at = (group - 1 - p if backwards else p) * size
        for k in range(size):
            r.order[0][i] = at + (size - 1 - last - k + 2 * (k & last) if r.turned else k)
            r.order[1][i] = r.order[0][i] + 16 - group * size
            i += 1


# Computes n elements, where scale and offset differ along one axis at most, along which the input's elements lie beside
# each other. False, and nothing is written, where they do not, or where the output's layout is none of the two.
cdef bint compute_pixels(
    const Kernel* first, const Kernel* second, const uint64_t* numbers, const Given* given, int axis, PyArrayObject* x,
    PyArrayObject* target, Py_ssize_t n, bint allocated,
) noexcept:
    cdef Rescaling room[2]
    cdef Rescaling* r = room
    cdef LoopNest nest
    cdef cnp.npy_intp shape[MAX_DIMS]
    cdef cnp.npy_intp own[2][MAX_DIMS]
    cdef const cnp.npy_intp* strides[2]
    cdef char* data[2]
    cdef char* constants[2]
    cdef Py_ssize_t steps[2]
    cdef int ndim = 0, last, split, all_channels, a, k
    cdef Py_ssize_t step, out_step
    cdef bint straight, backwards
    # Constants that lie in two cache lines would take twice as long to load.
    r = <Rescaling*> (<char*> room + (-<Py_ssize_t> &r.constants & 63))
    data[0], data[1] = <char*> PyArray_DATA(x), <char*> PyArray_DATA(target)
    r.first, r.second, r.channels, r.turned, r.plane, r.kernel = first, second, 1, False, 0, first[0]
    if second != NULL:
        memcpy(r.numbers, numbers, second.parameters * sizeof(numbers[0]))
    for k in range(2):
        constants[k] = given.data[k]
        steps[k] = 0 if axis == NONE or given.strides[k] == NULL else given.strides[k][axis]
    if axis >= 0:
        if PyArray_DIM(x, axis) > PATTERN:
            return False
        r.channels = PyArray_DIM(x, axis)
        step, out_step = PyArray_STRIDE(x, axis), PyArray_STRIDE(target, axis)
        if magnitude(step) != first.itemsize[0]:
            return False
        if step < 0 and (out_step < 0 or out_step != first.itemsize[3]):
            data[0] += (r.channels - 1) * step
            data[1] += (r.channels - 1) * out_step
            step, out_step = -step, -out_step
            for k in range(2):
                constants[k] += (r.channels - 1) * steps[k]
                steps[k] = -steps[k]
        if out_step != first.itemsize[3]:
            r.plane = out_step
        elif step < 0:
            r.turned = True
            data[0] += (r.channels - 1) * step
    r.kernel.inputs, r.kernel.parameters, r.kernel.operands = 1, 0, 2
    r.kernel.itemsize[0] = r.channels * first.itemsize[0]
    r.kernel.itemsize[1] = first.itemsize[3] if r.plane != 0 else r.channels * first.itemsize[3]
    r.kernel.in_rows = r.plane != 0
    r.kernel.stores_past_cache = False
    r.kernel.compute_bound = second != NULL and second.compute_bound or r.channels > 1
    r.kernel.call = level.rescale_planes if r.plane != 0 else level.rescale_pixels
    for a in range(PyArray_NDIM(x)):
        if a != axis:
            shape[ndim], own[0][ndim], own[1][ndim] = PyArray_DIM(x, a), PyArray_STRIDE(x, a), PyArray_STRIDE(target, a)
            ndim += 1
    strides[0], strides[1] = own[0], own[1]
    begin_nest(&nest, &r.kernel)
    if not fill_nest(&nest, ndim, shape, strides, data):
        return False
    last = nest.ndim - 1
    if r.plane != 0 and nest.strides[1][last] != r.kernel.itemsize[1]:
        return False
    if r.plane != 0 and r.channels * 16 > PATTERN or r.turned and r.kernel.itemsize[0] > LONGEST_PIXEL:
        return False
    r.in_parts = first.types[0] in b"bB" and first.types[3] != b"d" and not level.emulates_fma
    if r.in_parts:
        split = count_split(r, constants, steps, &all_channels)
        if 0 < split < all_channels:
            return False        # by single elements: the bits of one do not depend on the other channels
        r.in_parts = split == all_channels
    r.length = 16 * r.channels if r.plane != 0 else pattern_length(r.channels, r.in_parts)
    if r.length == 0:
        return False
    fill_pattern(r, constants, steps, n)
    # Rows of pixels that lie backwards are read as they lie, by kernels that can.
    backwards = (r.plane != 0 or r.kernel.itemsize[0] <= ORDERED) and nest.strides[0][last] == -r.kernel.itemsize[0]
    if backwards:
        r.kernel.itemsize[0] = -r.kernel.itemsize[0]
    straight = nest.strides[0][last] == r.kernel.itemsize[0] and nest.strides[1][last] == r.kernel.itemsize[1]
    if not straight or nest.ndim > 1 and nest.shape[last] < LEAST_ROW:
        # Blocks are copied, forwards.
        straight = backwards = False
        r.kernel.itemsize[0] = magnitude(r.kernel.itemsize[0])
        if max(r.kernel.itemsize[0], r.kernel.itemsize[1]) > LONGEST_PIXEL:
            return False
    if (r.turned or backwards) and magnitude(r.kernel.itemsize[0]) <= ORDERED:
        fill_order(r, magnitude(r.kernel.itemsize[0]), backwards)
    if n < GIL_FREE:
        run_pixels(&nest, straight, n // r.channels, allocated or r.plane != 0)
    else:
        with nogil:
            run_pixels(&nest, straight, n // r.channels, allocated or r.plane != 0)
    return True


# Planes are not written past the cache: whoever does that knows of one output.
cdef void run_pixels(LoopNest* nest, bint straight, Py_ssize_t n, bint in_cache) noexcept nogil:
    if not straight:
        run_strided(nest)
    elif nest.ndim > 1:
        run_rows(nest)
    elif n < GIL_FREE:
        nest.kernel.call(nest.kernel, nest.data, n, True, False)
    else:
        run_contiguous(nest.kernel, nest.data, n, True, in_cache)


# Computes n elements of any layout, by the kernel of single elements. False where those of the target may overlap each
# other.
cdef bint compute_elements(
    const Kernel* kernel, const Given* given, PyArrayObject* x, PyArrayObject* target, Py_ssize_t n
) noexcept:
    cdef LoopNest nest
    cdef char* data[4]
    cdef const cnp.npy_intp* strides[4]
    data[0], data[1], data[2] = <char*> PyArray_DATA(x), given.data[0], given.data[1]
    data[3] = <char*> PyArray_DATA(target)
    strides[0], strides[3] = PyArray_STRIDES(x), PyArray_STRIDES(target)
    strides[1], strides[2] = given.strides[0], given.strides[1]
    begin_nest(&nest, kernel)
    return compute_strided(&nest, PyArray_NDIM(x), PyArray_DIMS(x), strides, data, n)
