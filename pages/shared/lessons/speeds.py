"""What was measured of the built-in networks, in few words: 1.0×, or 1.5× – 2.8×."""


def speedup(treatment: str, target: str, networks: tuple[str, ...] = ()) -> str:
    """Return how many times faster a treatment was on a target: lowest and highest network."""
    low, high = (f"{value:.1f}×" for value in span(treatment, target, networks))
    return low if low == high else f"{low} – {high}"


def span(treatment: str, target: str, networks: tuple[str, ...] = ()) -> tuple[float, float]:
    """Return the lowest and the highest of these numbers, of all networks if none is named."""
    from compress_core.target_speed import RECIPES, facts

    found = [
        fact.speedup
        for fact in facts()
        if RECIPES.get(fact.recipe) == treatment
        and fact.target == target
        and (not networks or fact.network in networks)
    ]
    return min(found), max(found)
