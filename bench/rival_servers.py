"""Other servers with the same model, decode, precision and threads, asked by the same load generator in turns."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bare_loop import load_trunk
from figures import Figure, tell
from load_rounds import Round, failed, latency_text, median_rate
from material import SIZE_NAMES, Material
from questions import Questions, infer_questions
from rival_process import RIVALS, RivalMissing, RivalServer, running_rival
from rivals.same_model import INPUT, NAME
from serving import OURS, Serving, serving

from customvision.vision.decoding import decode_for_backbone

Rounds = dict[str, list[Round]]


def measure(folder: Path, material: Material) -> list[Figure]:
    """Starts all that are installed; in each round every one of them is asked once."""
    options = material.options
    figures: list[Figure] = []
    with ExitStack() as stack:
        served = stack.enter_context(serving(folder / "ours", material.trained))
        running: list[RivalServer] = []
        probe = infer_questions(NAME, INPUT, material.small[:1])
        for name in options.rivals or RIVALS:
            tell(f"starting {name}")
            try:
                running.append(stack.enter_context(running_rival(name, folder / name, material.trained, probe)))
            except RivalMissing as error:
                figures.append(Figure(name, f"skipped: {error}"))
        _check_answers(running, probe, material)
        for size in options.sizes:
            _ask_all(served, running, material.photos(size))
            for callers in options.callers:
                what = f"{SIZE_NAMES[size]}, callers: {callers}"
                tell(what)
                figures += _figures(what, _rounds(served, running, material, callers))
    return figures


def _check_answers(running: list[RivalServer], probe: Questions, material: Material) -> None:
    """Raises RuntimeError where a server answers the probe otherwise than decode, trunk and head in this process."""
    trunk = load_trunk(material.trained.backbone)
    features = trunk.embed(decode_for_backbone(material.small[0], trunk.input_size))
    for rival in running:
        rival.check(probe, material.trained.model.head.probabilities(features))


def _ask_all(served: Serving, running: list[RivalServer], photos: list[bytes]) -> None:
    served.ask(photos)
    for rival in running:
        served.generator.add(
            rival.name, address=rival.address, pid=rival.pid, questions=infer_questions(NAME, INPUT, photos)
        )


def _rounds(served: Serving, running: list[RivalServer], material: Material, callers: int) -> Rounds:
    options = material.options
    names = [OURS, *(rival.name for rival in running)]
    rounds: Rounds = {name: [] for name in names}
    for number in range(options.rounds):
        # Each begins once: whoever follows the same neighbour every time might profit from it.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            rounds[name].append(served.generator.round(name, callers=callers, seconds=options.seconds))
    return rounds


def _figures(what: str, rounds: Rounds) -> list[Figure]:
    figures = [
        Figure(
            f"{what}: {name}",
            f"{median_rate(measured):.0f} a second; {latency_text(measured)}"
            + (f"; {failed(measured)} failed" if failed(measured) else ""),
            baseline=f"processor time of 1,000: {_processor_seconds(measured):.1f} s",
        )
        for name, measured in rounds.items()
    ]
    ratios = {name: _ratio(rounds[OURS], theirs) for name, theirs in rounds.items() if name != OURS}
    if ratios:
        best = min(ratios, key=lambda name: ratios[name])
        net = median(mine.net_rate / theirs.net_rate for mine, theirs in zip(rounds[OURS], rounds[best], strict=True))
        figures.append(
            Figure(
                f"{what}: ours against the best of them",
                f"{ratios[best]:.2f} of {best}; net of the generator {net:.2f}",
                goal="> 1 at equal precision",
            )
        )
    return figures


def _ratio(ours: list[Round], theirs: list[Round]) -> float:
    return median(mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True))


def _processor_seconds(measured: list[Round]) -> float:
    """Returns what the server's processes computed for 1,000 answers."""
    return median(each.server_seconds / max(1, len(each.latencies)) for each in measured) * 1000
