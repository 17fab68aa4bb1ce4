"""The script that Streamlit runs for each view."""

from operate.console.frame import run

run()
