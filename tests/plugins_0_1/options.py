import attrs

from qfzz_core import NumericDistance, hookimpl


@attrs.frozen
class Options:
    minutes: float = attrs.field(default=3.5)

    @minutes.validator
    def _positive(self, attribute, value):
        if value <= 0:
            raise ValueError(f"minutes must be above 0, got {value}")


class Length:
    name = "length"
    weight = 0.1

    def __init__(self, minutes):
        self.minutes = minutes

    def prepare(self, request):
        return NumericDistance(column="duration", target=60 * self.minutes, scale=60)


@hookimpl
def qfzz_options():
    return Options


@hookimpl
def qfzz_factors(setup):
    assert setup.plugin == "options_0_1"
    return [Length(setup.options.minutes)]
