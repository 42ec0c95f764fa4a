"""Examples of a state machine under one seed: the same number lives the same examples once more."""

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_seeded(
    machine: type[RuleBasedStateMachine], number: int, examples: int, *, steps: int, shrink: bool
) -> None:
    """So many examples of so many steps at most. Raises what broke, made small where it is to shrink."""
    run_state_machine_as_test(
        seed(number)(type(f"Seed{number}", (machine,), {})),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
