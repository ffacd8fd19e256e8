import pytest
import torch

from stan_lightning.training.metrics import WindowScores, recording_scores


def scores_of(*batches: tuple[list[int], list[int], list[float], list[float]]) -> torch.Tensor:
    metric = WindowScores()
    for recording, window, target, output in batches:
        metric.update(
            torch.tensor(recording), torch.tensor(window), torch.tensor(target), torch.tensor(output)[:, None]
        )
    return metric.compute()


def test_windows_come_once_and_in_order_whatever_the_batches() -> None:
    rows = scores_of(([2, 0], [0, 1], [9.0, 7.0], [0.5, 0.2]), ([0, 2], [0, 0], [7.0, 9.0], [0.1, 0.5]))
    torch.testing.assert_close(rows, torch.tensor([[0, 0, 7, 0.1], [0, 1, 7, 0.2], [2, 0, 9, 0.5]]))


def test_no_window_gives_an_empty_table() -> None:
    assert WindowScores(3).compute().shape == (0, 6)


def test_a_recordings_score_is_the_mean_of_windows_clipped_as_the_recipe_says() -> None:
    rows = scores_of(([0, 0, 1], [0, 1, 0], [10.0, 10.0, 20.0], [-0.2, 0.4, 1.5]))
    targets, by_window = recording_scores(rows, (0, 63), "window")
    assert targets.tolist() == [10, 20]
    assert by_window.tolist() == pytest.approx([0.2 * 63, 1.5 * 63])
    _, by_recording = recording_scores(rows, (0, 63), "recording")
    assert by_recording.tolist() == pytest.approx([0.1 * 63, 63])


def test_a_score_range_that_does_not_start_at_zero_is_shifted() -> None:
    rows = scores_of(([0], [0], [10.0], [0.5]))
    assert recording_scores(rows, (10, 20), "window")[1].tolist() == [15]
