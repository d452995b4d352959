"""BO-MRL with Alg(3)."""

from __future__ import annotations

from algorithms.universal_policy_adaptation import UniversalPolicyAdaptation


class BoMrl3(UniversalPolicyAdaptation):
    """BO-MRL with Alg(3): one-time policy adaptation within ||phi - theta||^2."""

    name = "bo-mrl-3"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    kind = 3
