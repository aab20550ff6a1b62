"""`python -m qfzz_broken` lists the ways of being broken."""

from qfzz_broken.ways import WAYS

for name, way in WAYS.items():
    print(f"{name:<20} {way.when:<10} {way.what}")
