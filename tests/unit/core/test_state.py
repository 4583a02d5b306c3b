from streams.core.state import UserState


def test_states_are_equal_by_value() -> None:
    one, other = UserState(), UserState()
    assert one == other
    other.days = 1
    assert one != other
    assert one != "a state"
    assert "days=1" in repr(other)
