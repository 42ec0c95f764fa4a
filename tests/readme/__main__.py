"""Write the tables of the READMEs from their data: python -m tests.readme"""

from tests.readme import ROOT, section, text
from tests.readme.tables import TABLES

for (path, name), table in TABLES.items():
    marked = f"<!-- {name}: begin -->\n{{}}<!-- {name}: end -->"
    written = text(path).replace(marked.format(section(path, name)), marked.format(table()))
    (ROOT / path).write_text(written, encoding="utf-8")
