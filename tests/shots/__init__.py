"""Pictures of Dagster's UI as a person sees it, for the READMEs: `make shots`.

It needs playwright in the environment and a Chromium; neither is needed by anything else.
"""
