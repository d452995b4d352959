"""FinRL's own modules, without `finrl/__init__`, which would import brokers that need not be installed.

Needs the extra `finrl`: finrl 0.3.7, stable-baselines3, stockstats and yfinance.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from environments.stocks.bars import TICKERS, Bars
from environments.stocks.indicators import INDICATORS
from environments.typed_options import UsageError

if TYPE_CHECKING:
    import pandas as pd


def finrl_module(name: str) -> Any:
    """The module `finrl.<name>`.  Raises UsageError if the extra is not installed."""
    if "finrl" not in sys.modules:
        spec = importlib.util.find_spec("finrl")
        if spec is None or spec.submodule_search_locations is None:
            raise UsageError("finrl is not installed; install the extra, in the checkout: pip install -e '.[finrl]'")
        bare = types.ModuleType("finrl")
        bare.__spec__ = spec  # whoever asks later whether it is installed is told so
        bare.__path__ = list(spec.submodule_search_locations)
        sys.modules["finrl"] = bare
    try:
        return importlib.import_module(f"finrl.{name}")
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed, which finrl.{name} needs"
        raise UsageError(f"{missing}; install the extra, in the checkout: pip install -e '.[finrl]'") from None


def finrl_features(bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    """Indicators [indicator, day, ticker] and turbulence [day] from FinRL's `FeatureEngineer`.  Takes seconds."""
    engineer = finrl_module("meta.preprocessor.preprocessors").FeatureEngineer(
        tech_indicator_list=list(INDICATORS), use_turbulence=True
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it announces each stage
        frame = engineer.preprocess_data(finrl_frame(bars))
    table = frame.sort_values(["date", "tic"])
    shape = bars.close.shape
    indicators = np.stack([table[name].to_numpy(np.float64).reshape(shape) for name in INDICATORS])
    return indicators, table.turbulence.to_numpy(np.float64).reshape(shape)[:, 0]


def finrl_frame(bars: Bars) -> pd.DataFrame:
    """The bars as FinRL wants them: one row per day and ticker, columns date (text), tic, OHLC and volume."""
    import pandas as pd

    days = np.datetime_as_string(bars.dates, unit="D").tolist()
    values = {name: getattr(bars, name).ravel() for name in ("open", "high", "low", "close", "volume")}
    keys = {"date": [day for day in days for _ in TICKERS], "tic": list(TICKERS) * len(days)}
    return pd.DataFrame({**keys, **values})


def finrl_days(bars: Bars, indicators: np.ndarray, turbulence: np.ndarray, start: str, end: str) -> pd.DataFrame:
    """FinRL's table of the days from `start` to before `end` (ISO dates), features included; those of all bars given.

    indicators: [indicator, day, ticker].  turbulence: [day].
    """
    frame = finrl_frame(bars)
    frame = frame.assign(**{name: indicators[place].ravel() for place, name in enumerate(INDICATORS)})
    frame = frame.assign(turbulence=np.repeat(turbulence, len(TICKERS)), tic=frame.tic.astype("category"))
    return finrl_module("meta.preprocessor.preprocessors").data_split(frame, start, end)


def finrl_environment(days: pd.DataFrame, cash: float = 1e6, hmax: int = 100, rule: float | None = None) -> Any:
    """FinRL's StockTradingEnv over these days, reset; its costs and scaling are our defaults.

    cash: dollars at the start.  rule: turbulence from which it sells everything, None for never.
    """
    environment = finrl_module("meta.env_stock_trading.env_stocktrading").StockTradingEnv(
        df=days,
        stock_dim=len(TICKERS),
        hmax=hmax,
        initial_amount=cash,
        num_stock_shares=[0] * len(TICKERS),
        buy_cost_pct=[1e-3] * len(TICKERS),
        sell_cost_pct=[1e-3] * len(TICKERS),
        reward_scaling=1e-4,
        state_space=1 + (2 + len(INDICATORS)) * len(TICKERS),
        action_space=len(TICKERS),
        tech_indicator_list=list(INDICATORS),
        turbulence_threshold=rule,
    )
    environment.reset()
    return environment
