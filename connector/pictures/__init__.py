"""Charts of amounts, as SVG text and PNG bytes, made from plain rows without a browser or a network.

altair writes them as Vega-Lite, and vl-convert draws that. The same rows make the same bytes on one machine,
in whatever order they come; on another one a letter may be drawn with another font.
"""

from collections.abc import Sequence

from connector.pictures.charts import (
    draw_balance_over_time,
    draw_daily_activity,
    draw_fees_by_category,
    draw_waterfall,
)
from connector.pictures.drawing import Picture
from connector.pictures.rows import Activity, Balance, Fees, Step

__all__: Sequence[str] = [
    "Activity",
    "Balance",
    "Fees",
    "Picture",
    "Step",
    "draw_balance_over_time",
    "draw_daily_activity",
    "draw_fees_by_category",
    "draw_waterfall",
]
