"""Figures of several processes, told together."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from customvision.common.exposition import merged
from told_metrics import samples_of

LABEL_VALUES = st.text(max_size=12)
PROCESSES = st.dictionaries(
    st.sampled_from(["project", "training", "prediction", "gateway"]),
    st.lists(st.tuples(LABEL_VALUES, LABEL_VALUES, st.floats(allow_nan=False)), max_size=4),
    max_size=4,
)


def text_of(figures: list[tuple[str, str, float]]) -> str:
    """Returns what a process with these figures tells."""
    registry = CollectorRegistry()
    gauge = Gauge("a_gauge", "A gauge", ["first", "second"], registry=registry)
    counter = Counter("a_counter", "A counter", ["service"], registry=registry)
    Histogram("a_histogram", "A histogram\nof two lines", registry=registry).observe(len(figures))
    for first, second, value in figures:
        gauge.labels(first, second).set(value)
        counter.labels(first).inc()
    return generate_latest(registry).decode()


@given(processes=PROCESSES)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_or_mixed_up(processes: dict[str, list[tuple[str, str, float]]]) -> None:
    """Every sample of every process is there once with the name of its process, whatever its labels hold."""
    texts = {name: text_of(figures) for name, figures in processes.items()}
    told = [(it.name, tuple(sorted(it.labels.items())), it.value) for it in samples_of(merged(texts, "service"))]
    expected = [
        (it.name, tuple(sorted(({"service": name} | it.labels).items())), it.value)
        for name, text in texts.items()
        for it in samples_of(text)
    ]
    assert sorted(told) == sorted(expected)


def test_each_family_is_told_once() -> None:
    """HELP and TYPE come once and before the samples of all processes, as the format demands."""
    text = merged({"one": text_of([("a", "b", 1.0)]), "two": text_of([("a", "b", math.inf)])}, "service")
    lines = text.splitlines()
    headers = [line for line in lines if line.startswith("#")]
    assert len(headers) == len(set(headers))
    gauge = lines.index("# TYPE a_gauge gauge")
    assert lines[gauge - 1] == "# HELP a_gauge A gauge"
    assert lines[gauge + 1 : gauge + 3] == [
        'a_gauge{service="one",first="a",second="b"} 1.0',
        'a_gauge{service="two",first="a",second="b"} +Inf',
    ]


def test_of_nothing_comes_nothing() -> None:
    """A process that did not answer leaves no trace."""
    assert merged({"one": "", "two": ""}, "service") == ""
