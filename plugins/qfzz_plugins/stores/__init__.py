"""The storage backends that come with QFZZ."""
