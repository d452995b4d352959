"""Stock trading on daily bars of the Dow 30: FinRL's environment, batched, as a family of risk preferences."""
