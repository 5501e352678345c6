"""What uvicorn loads: `uvicorn quotes.app:app`."""

import os
import sys

from quotes.application import create_app
from quotes.settings import Settings, SettingsError
from quotes.tariff import TariffError

try:
    app = create_app(Settings.from_environment(os.environ))
except (SettingsError, TariffError) as error:
    sys.exit(f"quotes cannot start: {error}")
