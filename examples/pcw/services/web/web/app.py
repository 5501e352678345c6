"""What uvicorn loads: `uvicorn web.app:app`."""

import os
import sys

from web.application import create_app
from web.settings import Settings, SettingsError

try:
    app = create_app(Settings.from_environment(os.environ))
except SettingsError as error:
    sys.exit(f"web cannot start: {error}")
