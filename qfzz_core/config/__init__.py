"""The configuration: a TOML file in frozen classes, with errors that name file, line and key."""

from qfzz_core.config.configuration import Config, has_defaults, load_config, parse_config
from qfzz_core.config.tables import FactorConfig

__all__ = ["Config", "FactorConfig", "has_defaults", "load_config", "parse_config"]
