"""The functions as Lambda calls them, each judged by its role: loaded once for all tests of a process."""

from local.functions import Functions
from tests.conftest import TEMPLATE

FUNCTIONS = Functions(TEMPLATE, fresh=False)
