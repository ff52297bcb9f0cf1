"""Roughly where a postcode lies: the middle of its postal region (its first two digits).

Belgian postcodes are given out by sorting region, so two digits tell a place to within some ten
kilometres: enough to say which museum is near, and nothing finer about who asks.
"""

from typing import NamedTuple


class Position(NamedTuple):
    """WGS 84, degrees."""

    latitude: float
    longitude: float


# The main town of each region, or the middle of its towns.
REGIONS = {
    prefix: Position(float(latitude), float(longitude))
    for prefix, latitude, longitude in (
        line.split()
        for line in """
        10 50.847 4.352
        11 50.835 4.390
        12 50.847 4.415
        13 50.717 4.612
        14 50.598 4.328
        15 50.734 4.235
        16 50.765 4.260
        17 50.880 4.200
        18 50.928 4.420
        19 50.885 4.480
        20 51.219 4.403
        21 51.225 4.470
        22 51.150 4.800
        23 51.323 4.944
        24 51.190 5.070
        25 51.131 4.570
        26 51.165 4.420
        28 51.028 4.480
        29 51.330 4.500
        30 50.860 4.650
        31 50.979 4.637
        32 50.960 4.900
        33 50.807 4.938
        34 50.753 5.080
        35 50.930 5.338
        36 50.990 5.600
        37 50.780 5.465
        38 50.816 5.187
        39 51.170 5.370
        40 50.633 5.568
        41 50.590 5.500
        42 50.670 5.080
        43 50.697 5.255
        44 50.650 5.450
        45 50.519 5.239
        46 50.737 5.697
        47 50.628 6.036
        48 50.593 5.864
        49 50.450 5.950
        50 50.467 4.872
        51 50.450 4.800
        53 50.489 5.095
        55 50.261 4.912
        56 50.150 4.550
        60 50.411 4.445
        61 50.390 4.360
        62 50.404 4.524
        64 50.050 4.317
        65 50.300 4.280
        66 50.000 5.715
        67 49.683 5.816
        68 49.900 5.350
        69 50.227 5.344
        70 50.454 3.952
        71 50.480 4.190
        73 50.430 3.790
        75 50.606 3.388
        76 50.520 3.550
        77 50.743 3.214
        78 50.630 3.777
        79 50.600 3.660
        80 51.209 3.225
        82 51.140 3.140
        83 51.290 3.230
        84 51.225 2.920
        85 50.827 3.265
        86 51.050 2.720
        87 50.980 3.330
        88 50.946 3.123
        89 50.851 2.886
        90 51.054 3.722
        91 51.165 4.143
        92 51.028 4.101
        93 50.938 4.040
        94 50.836 4.023
        95 50.773 3.880
        96 50.800 3.620
        97 50.850 3.600
        98 50.982 3.530
        99 51.187 3.556
        """.strip().splitlines()
    )
}


def position(postcode: str) -> Position | None:
    """The middle of the region of a postcode; None where there is no such region."""
    return REGIONS.get(postcode[:2])
