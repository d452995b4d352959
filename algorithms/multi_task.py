"""One policy trained on the mixture of training tasks, fine-tuned at evaluation."""

from __future__ import annotations

from algorithms.promp import Promp


class MultiTask(Promp):
    """PPO on the mixture of tasks without inner updates, fine-tuned by the same inner step at evaluation."""

    name = "multi-task"
    paper = "baseline of Finn, Abbeel and Levine 2017 (pretraining), with Schulman et al. 2017's PPO"

    @property
    def training_steps(self) -> int:
        return 0
