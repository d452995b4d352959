"""BO-MRL with Alg(2)."""

from __future__ import annotations

from algorithms.universal_policy_adaptation import UniversalPolicyAdaptation


class BoMrl2(UniversalPolicyAdaptation):
    """BO-MRL with Alg(2): one-time policy adaptation within KL(pi_theta || pi_phi)."""

    name = "bo-mrl-2"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    kind = 2
