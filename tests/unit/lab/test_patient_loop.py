"""The loop whose time stands still while it doesn't get its turn, on clocks that tests turn."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.lab.patient_loop import MAX_TURN_MS, PatientLoop, PatientTime

TURN_S = MAX_TURN_MS / 1000


def test_where_the_machine_keeps_up_it_is_real_time() -> None:
    """Work of some ms, waits as long as they were meant to be."""
    patient = PatientTime(100.0)
    assert patient.at(100.003) == pytest.approx(100.003)
    patient.end_work(100.004)
    patient.end_wait(100.016, 0.012)
    assert patient.at(100.016) == pytest.approx(100.016)


def test_work_counts_for_no_more_than_its_limit() -> None:
    """Whether it was long or the machine did something else meanwhile."""
    patient = PatientTime(0.0)
    assert patient.at(0.7) == pytest.approx(TURN_S)
    patient.end_work(2.0)
    patient.end_wait(2.0, 0.0)
    assert patient.at(2.001) == pytest.approx(TURN_S + 0.001)


def test_who_is_woken_too_late_has_slept_in_time() -> None:
    """Almost: by one limit more than was asked for."""
    patient = PatientTime(0.0)
    patient.end_work(0.0)
    patient.end_wait(9.0, 0.02)
    assert patient.at(9.0) == pytest.approx(0.02 + TURN_S)


def test_who_waits_for_others_alone_waits_in_real_time() -> None:
    """Without a timer there is nothing that could be late."""
    patient = PatientTime(0.0)
    patient.end_work(0.0)
    patient.end_wait(9.0, None)
    assert patient.at(9.0) == pytest.approx(9.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100), st.floats(0, 100), st.one_of(st.none(), st.floats(-1.0, 100.0))
        ),
        max_size=20,
    )
)
def test_time_never_goes_back_nor_faster_than_real_time(
    turns: list[tuple[float, float, float | None]],
) -> None:
    """Whatever the machine does to the loop, and whatever the loop asks for."""
    patient, real_s = PatientTime(0.0), 0.0
    last_s = 0.0
    for work_s, wait_s, timeout_s in turns:
        times = [patient.at(real_s), patient.at(real_s + work_s / 2), patient.at(real_s + work_s)]
        real_s += work_s
        patient.end_work(real_s)
        times.append(patient.at(real_s))
        real_s += wait_s
        patient.end_wait(real_s, timeout_s)
        times.append(patient.at(real_s))
        assert times == sorted(times)
        assert times[0] >= last_s
        assert times[-1] <= real_s + 1e-9
        last_s = times[-1]


def test_a_loop_that_is_held_up_keeps_its_appointments() -> None:
    """Real time leaps by a second at each look, and both sleepers wake in their order."""
    real_s = 0.0

    def clock() -> float:
        nonlocal real_s
        real_s += 1.0
        return real_s

    woken: list[tuple[str, float]] = []

    async def wait(name: str, delay_s: float) -> None:
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(delay_s)
        woken.append((name, asyncio.get_running_loop().time() - began_s))

    async def both() -> None:
        await asyncio.gather(wait("late", 0.0008), wait("soon", 0.0004))

    with asyncio.Runner(loop_factory=lambda: PatientLoop(clock)) as runner:
        runner.run(both())
    assert sorted(name for name, _ in woken) == ["late", "soon"]
    assert all(0.0004 <= slept_s < 20 * TURN_S for _, slept_s in woken)
