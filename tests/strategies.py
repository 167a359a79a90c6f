"""Hypothesis strategies: every recipe that the types allow, and JSON that they do not."""

from hypothesis import strategies as st

from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe

patterns = st.text(min_size=1, max_size=8) | st.sampled_from(["*", "fc*", "stage1.0.conv1", "[a]"])
seeds = st.integers(0, 2**31 - 1)
shares = st.floats(0, 1, exclude_max=True)
criteria = st.sampled_from(["l2", "l1", "random", "taylor", "wanda"])
allocations = st.sampled_from(["uniform", "global", "lamp", "erk"])

prunes_by_share = st.builds(
    Prune,
    sparsity=shares,
    granularity=st.sampled_from(["weight", "kernel"]),
    criterion=criteria,
    allocation=allocations,
    schedule=st.sampled_from(["one_shot", "gradual"]),
    layers=patterns,
)
prunes_by_threshold = st.builds(
    Prune,
    threshold=st.floats(0, 1e9),
    granularity=st.sampled_from(["weight", "kernel"]),
    criterion=st.sampled_from(["l1", "l2"]),
    layers=patterns,
)
prunes_n_of_m = st.builds(
    Prune,
    granularity=st.just("n:m"),
    n_of_m=st.sampled_from(["1:4", "2:4", "4:8"]),
    criterion=criteria,
    layers=patterns,
)
prunes_of_channels = st.builds(
    Prune,
    sparsity=shares,
    granularity=st.just("channel"),
    criterion=criteria,
    allocation=allocations,
    round_to=st.sampled_from([1, 8]),
    layers=patterns,
)
factorizations = st.builds(
    Factorize,
    rank=st.floats(0.001, 1),
    method=st.sampled_from(["tucker", "spatial"]),
    layers=patterns,
) | st.builds(Factorize, energy=st.floats(0.001, 1), layers=patterns)
linear_grids = st.builds(
    Quantize,
    weight_bits=st.integers(2, 16),
    activation_bits=st.none() | st.integers(2, 16),
    activation_grid=st.sampled_from(["linear", "power_of_two"]),
    granularity=st.sampled_from(["per_tensor", "per_channel", "per_group"]),
    group_size=st.integers(2, 4096),
    scheme=st.sampled_from(["symmetric", "affine"]),
    calibration=st.sampled_from(["minmax", "percentile", "mse"]),
    rounding=st.sampled_from(["nearest", "learned"]),
    reconstruction=st.sampled_from(["layer", "block"]),
    bias_correction=st.booleans(),
    equalize=st.booleans(),
    layers=patterns,
)
table_grids = st.builds(
    Quantize,
    weight_bits=st.integers(2, 8),
    activation_bits=st.none() | st.integers(2, 16),
    grid=st.sampled_from(["codebook", "power_of_two"]),
    granularity=st.sampled_from(["per_tensor", "per_channel"]),
    calibration=st.sampled_from(["minmax", "percentile", "mse", "entropy"]),
    layers=patterns,
)
activations_only = st.builds(
    Quantize, weight_bits=st.none(), activation_bits=st.integers(2, 16), layers=patterns
)
finetunes = st.builds(
    Finetune,
    epochs=st.integers(1, 1000),
    lr=st.floats(1e-7, 1),
    batch_size=st.integers(1, 4096),
    samples=st.none() | st.integers(1, 10**9),
    amp=st.booleans(),
    seed=seeds,
    scales=st.sampled_from(["fixed", "learned"]),
    teacher=st.floats(0, 1),
    temperature=st.floats(1, 20),
    cycles=st.integers(2, 20),
    max_drop=st.none() | st.floats(0, 1),
)
late_steps = (
    prunes_by_share
    | prunes_by_threshold
    | prunes_n_of_m
    | linear_grids
    | table_grids
    | activations_only
)
steps = st.tuples(
    st.lists(prunes_of_channels, max_size=2),
    st.lists(factorizations, max_size=1),
    st.lists(late_steps, max_size=3),
).map(lambda parts: tuple(step for part in parts for step in part))
recipes = st.builds(Recipe, steps=steps, finetune=st.none() | finetunes, seed=seeds)

kinds = st.sampled_from(["recipe", "prune", "factorize", "quantize", "finetune", "unknown"])
# fmt: off
names = st.sampled_from([
    "kind", "steps", "finetune", "seed", "version", "sparsity", "threshold", "layers", "n_of_m",
    "granularity", "weight_bits", "activation_bits", "scheme", "rank", "energy", "epochs", "lr",
    "amp", "samples",
])
# fmt: on
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**400, 10**401)
    | st.floats()
    | st.text(max_size=5)
    | kinds
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names | st.text(max_size=4), inner, max_size=4)
        | st.builds(lambda kind, rest: {**rest, "kind": kind}, kinds, st.dictionaries(names, inner))
    ),
    max_leaves=12,
)
