"""The speeds that the project has set out to reach: a table, one line of which stands for several comparisons.

Each is of two calls on one processor, and none of two instruction-set levels: what twice the width gives depends on the core.
"""

import functools
import itertools
from dataclasses import dataclass, field, replace

from benchmarks import beside, images
from benchmarks.common import LARGE
from benchmarks.rows import lengths
from measure import Call, Contender, Fixed, Import, Statement
from peers import KEYWORD, PEERS
from rows import FUNCTIONS as ROW_FUNCTIONS
from rows import PEERS as ROW_PEERS
from rows import SHAPES, Rows

ALL = ["relu", "leaky_relu", "sigmoid", "tanh"]
SMOOTH = ["sigmoid", "tanh"]
GRADIENTS = ["relu_grad", "leaky_relu_grad", "sigmoid_grad", "tanh_grad"]
# The functions that came after those, by what they are held against; the fastest peer is the measure of most.
AGAINST_PEERS = {
    1.5: ["gelu"],
    0.6: ["gelu_approximate"],
    1.0: ["silu"],
    0.3: ["softplus", "log_sigmoid"],
    0.4: ["elu", "selu"],
    0.15: ["mish"],
    0.8: ["softsign"],
}
EXACT = ["hard_sigmoid", "hard_silu", "relu6", "hard_tanh", "hard_shrink", "soft_shrink"]
LIKE_SIGMOID = ["gaussian", "celu", "logit"]
FAMILY = [*itertools.chain(*AGAINST_PEERS.values()), *EXACT, *LIKE_SIGMOID]
FLOATS = ["float16", "float32", "float64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGERS = ["int8", "int16", "int32", "int64", *UNSIGNED]
IN_CACHE = [4096, 65_536]
BOTH = ["in-place", "out"]
ANY_PEER = list(PEERS)
# What takes longer than the others of its line and, with the errors that are promised, has to: (function, dtype, elements)
# to its own limit. The limits were measured on Emerald Rapids, and leave room for what earlier builds took of float32 on Zen 4.
# The counts are of x86_64_v4's instructions of arithmetic for one vector, a division for three. Emerald Rapids starts two of them
# in a cycle, and the loops take that time, approximate gelu's a sixth more.
OWN_LIMITS = {
    # 67: the series near 0 and the low parts keep it within 1 ULP. torch, the fastest here, is 12 bits off.
    ("gelu", "float32", 65_536): 2.0,
    # 47. In base 2 (1.27 ULP) it takes a sixth less time; by one division without its rest (2 to 2.4 ULP) a third less.
    ("gelu_approximate", "float32", 65_536): 1.25,
    # Without one of mish's low parts 1.86 ULP, a tenth less time; without one of softplus's a result is out of order.
    **{("mish", "float32", size): 0.2 for size in IN_CACHE},
    **{(name, "float32", size): 0.36 for name in ("softplus", "log_sigmoid") for size in IN_CACHE},
    ("softsign", "float32", 65_536): 0.85,
    # 45, where sigmoid has 25. Without what 1 - x loses, results near 1/2 are 75 ULP off.
    **{("logit", "float32", size): 1.8 for size in IN_CACHE},
    # As fast as a copy, like the best peer.
    **{(name, "float64", 65_536): 1.0 for name in ("relu6", "hard_tanh", "hard_shrink")},
    # Quotients without their rest: 1.65 to 2.4 ULP.
    **{(name, "float64", size): 0.9 for name in ("silu", "gelu_approximate") for size in IN_CACHE},
    # An exponential to the last bit and the rest of the square: 27, where 0.7 allows 24.
    ("gaussian", "float64", 65_536): 0.95,
    **{("logit", "float64", size): 1.05 for size in IN_CACHE},
    ("gelu", "float16", 65_536): 0.95,
    ("logit", "float16", 65_536): 0.8,
    # One vector takes the time of its longest chain of instructions.
    ("gelu_approximate", "float32", 16): 1.35,
    # Their arithmetic takes longer than a copy, in the cache too.
    **{(name, "float32", LARGE): limit for limit, names in {
        2.6: ["gelu", "gelu_approximate"], 2.0: ["mish", "logit"], 1.8: ["silu", "softplus", "log_sigmoid"],
    }.items() for name in names},
}
NP_TANH = Call("numpy", "tanh", size=16)
NP_POSITIVE = Call("numpy", "positive", size=16)
NP_POSITIVE_KEYWORD = Call("numpy", "positive", size=16, mode="general")
WHOLE = {"mode": "whole-in-place", "size": 1_000_000}


@dataclass
class Line:
    """Each of the calls takes at most ``limit`` times what it is held ``against``: the fastest of them, if several.

    That is the same call made by peers or as a copy (a list of names), made with something changed (a dictionary), or
    another call.
    """

    group: str
    limit: float
    against: object
    functions: list
    dtypes: list = field(default_factory=lambda: ["float32"])
    sizes: list = field(default_factory=lambda: [65_536])
    modes: list = field(default_factory=lambda: ["out"])
    ours: dict = field(default_factory=dict)    # of cyact's call alone
    busy: bool = False                          # while another process keeps a processor busy
    per_element: bool = False                   # time by elements


TABLE = [
    Line("calls", 0.15, NP_TANH, ALL, sizes=[16], modes=BOTH),
    Line("calls", 0.5, NP_TANH, ALL, sizes=[16], modes=["fresh"]),
    Line("calls", 1.1, NP_POSITIVE, ALL, sizes=[16], modes=["ufunc"]),
    Line("calls", 1.1, NP_POSITIVE_KEYWORD, ALL, sizes=[16], modes=["general"]),

    Line("cache", 1.15, ["copy"], ["relu"], FLOATS + INTEGERS, modes=BOTH),
    Line("cache", 1.15, ["copy"], ["leaky_relu"], ["float32", "float64"], modes=BOTH),
    Line("cache", 0.9, ["torch"], ["leaky_relu"], ["float16"], modes=BOTH),
    Line("cache", 1.2, {"size": 2048}, ["relu"], UNSIGNED, modes=["in-place"]),
    Line("cache", 1.3, WHOLE, ALL, sizes=[500_000], modes=["rows-in-place"], per_element=True),
    # To gather every second number, and to scatter it again without its neighbours: in C 3.0 times (Zen 4).
    Line("cache", 4.0, WHOLE, ALL, sizes=[500_000], modes=["columns-in-place"], per_element=True),

    Line("exactness", 0.9, ["torch"], ["sigmoid"], sizes=IN_CACHE),
    Line("exactness", 1.0, ["onnxruntime"], ["sigmoid"], sizes=IN_CACHE),
    Line("exactness", 1.0, ["numpy", "torch"], ["tanh"], sizes=IN_CACHE),
    Line("exactness", 0.95, ANY_PEER, ["sigmoid"], ["float64"], sizes=IN_CACHE),
    Line("exactness", 0.7, ANY_PEER, ["tanh"], ["float64"], sizes=IN_CACHE),
    Line("exactness", 0.9, ANY_PEER, SMOOTH, ["float16"], sizes=IN_CACHE),
    Line("exactness", 0.25, {"dtype": "float32"}, SMOOTH, ["uint8"], sizes=IN_CACHE),

    Line("memory", 1.1, ["copy"], ["relu", "leaky_relu"], [*FLOATS, "int32"], sizes=[LARGE]),
    Line("memory", 1.1, ["copy"], SMOOTH, sizes=[LARGE]),
    Line("memory", 0.75, ANY_PEER, SMOOTH, ["float64"], sizes=[LARGE]),
    Line("memory", 1.05, ["torch"], ["relu"], [*FLOATS, "int32"], sizes=[LARGE], modes=["in-place"]),
    Line("memory", 1.0, ["numpy"], ALL, sizes=[LARGE], modes=["fresh"]),

    Line("threads", 0.56, {"threads": 1}, SMOOTH, ["float64", "float16"], sizes=[LARGE], ours={"threads": 2}),
    Line("threads", 1.0, ANY_PEER, ALL, ["float32", "float64"], sizes=[LARGE], ours={"threads": 2}),
    Line("threads", 1.0, {"threads": 1}, ALL, ours={"threads": 2}),
    Line("threads", 1.3, {"threads": 1}, ALL, sizes=[LARGE], ours={"threads": 2}, busy=True),

    Line("gradients", 0.9, ["numpy", "torch"], GRADIENTS, [*FLOATS, "bfloat16"], sizes=[65_536, LARGE]),
    Line("gradients", 1.5, {"dtype": "float16"}, ALL, ["bfloat16"]),

    *(Line("family", limit, ANY_PEER, functions, sizes=IN_CACHE) for limit, functions in AGAINST_PEERS.items()),
    Line("family", 1.15, ["copy"], EXACT, sizes=IN_CACHE),
    Line("family", 1.5, {"function": "sigmoid"}, LIKE_SIGMOID, sizes=IN_CACHE),
    Line("family", 0.7, ANY_PEER, FAMILY, ["float64"], sizes=IN_CACHE),
    Line("family", 0.6, ANY_PEER, FAMILY, ["float16"], sizes=IN_CACHE),
    Line("family", 1.2, {"function": "sigmoid"}, FAMILY, sizes=[16]),
    Line("family", 1.25, ["copy"], FAMILY, sizes=[LARGE]),
]
GROUPS = [*dict.fromkeys(line.group for line in TABLE), "beside", "images", "rows"]


@dataclass
class Target:
    """One comparison of the table."""

    group: str
    limit: float
    text: str
    ours: Call | Contender
    theirs: list
    busy: bool = False
    per_element: bool = False


def rows():
    """Functions along an axis, whose calls are made of other things: see ``rows``.

    The limits are what the slower of Zen 3 and Cascade Lake keeps (of 16 bits, Zen 3), where cyact stays within 2 ULP, of
    float64 within 4. ``tests/accuracy_table.py`` prints what the peers' errors are.
    """

    def target(limit, against, *call, group="rows", **keywords):
        ours = Rows("cyact", *call, **keywords)
        if isinstance(against, dict):
            theirs, rival = [replace(ours, **against)], "the same with " + ", ".join(f"{k} {v}" for k, v in against.items())
        else:
            theirs = [replace(ours, peer=name) for name in against]
            rival = "the best peer" if against is ROW_PEERS else " or ".join(against)
        return Target(group, limit, f"{ours.text} against {rival}", ours, theirs)

    others = [name for name in ROW_PEERS if name not in ("onnxruntime", "jax")]
    for shape, axis in SHAPES.items():
        yield target(1.35, ["onnxruntime"], "softmax", shape)
        yield target(0.85, others, "softmax", shape)
        yield target(0.8 if axis == -1 else 1.25, ["jax"], "softmax", shape)
        yield target(1.35, ROW_PEERS, "log_softmax", shape)
        yield target(0.8 if axis == -1 else 1.0, ROW_PEERS, "logsumexp", shape)
        yield target(0.8 if axis == -1 else 1.15, ROW_PEERS, "softmax", shape, "float64")
        # Rows of more elements than a tile holds have their exponentials computed twice: there is no array to keep them in.
        long = lengths(shape)[axis] > 4096
        yield target(0.65 if axis == -1 and not long else 1.0, ROW_PEERS, "softmax", shape, "float16")
        yield target(1.05, {"in_place": False}, "softmax", shape, in_place=True)
    for function in ROW_FUNCTIONS:
        yield target(0.59, {"threads": 1}, function, group="threads", threads=2)


def targets():
    for line in TABLE:
        for call in itertools.starmap(Call, itertools.product(
            ["cyact"], line.functions, line.dtypes, line.sizes, line.modes
        )):
            text = f"{call.function} {call.dtype} {call.size:,} {call.mode}"
            text += "".join(f" {name} {value}" for name, value in line.ours.items())
            if isinstance(line.against, list):
                theirs = [replace(call, peer=name) for name in line.against]
                rival = "the best peer" if line.against is ANY_PEER else " or ".join(line.against)
            elif isinstance(line.against, dict):
                theirs = [replace(call, **line.against)]
                rival = "the same with " + ", ".join(f"{name} {value}" for name, value in line.against.items())
            else:
                theirs = [line.against]
                rival = f"np.{line.against.function}(x, out=o{KEYWORD if line.against.mode == 'general' else ''})"
            text += f" against {rival}" + ", one processor busy" * line.busy + ", by element" * line.per_element
            ours = replace(call, **line.ours)
            limit = OWN_LIMITS.get((call.function, call.dtype, call.size), line.limit) if line.group == "family" else line.limit
            yield Target(line.group, limit, text, ours, theirs, line.busy, line.per_element)
    for group, module in (("beside", beside), ("images", images)):
        for row in module.ROWS:
            make_names = functools.cache(functools.partial(module.names_of, row))
            rivals = row.theirs if isinstance(row.theirs, tuple) else (row.theirs,)
            ours, *theirs = (Statement(statement, make_names) for statement in (row.ours, *rivals))
            yield Target(group, row.limit, f"{row.text}: {row.ours}", ours, theirs)
            if module is beside and row.times == 1:
                text = f"{row.text}: {row.ours} threads 2 against the same with threads 1"
                ours, theirs = (Statement(row.ours, make_names, threads) for threads in (2, 1))
                yield Target("threads", 0.67, text, ours, [theirs])
    yield from rows()
    yield Target("calls", 10, "milliseconds that import cyact adds to NumPy's", Import(), [Fixed(1e-3)])
