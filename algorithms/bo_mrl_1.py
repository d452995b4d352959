"""BO-MRL with Alg(1)."""

from __future__ import annotations

from algorithms.universal_policy_adaptation import UniversalPolicyAdaptation


class BoMrl1(UniversalPolicyAdaptation):
    """BO-MRL with Alg(1): one-time policy adaptation within KL(pi_phi || pi_theta)."""

    name = "bo-mrl-1"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    kind = 1
