"""The configuration: a TOML file in frozen classes, with errors that name file, line and key."""

from qfzz_core.config.configuration import Config, FactorConfig, has_defaults, load_config, parse_config

__all__ = ["Config", "FactorConfig", "has_defaults", "load_config", "parse_config"]
