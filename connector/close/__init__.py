"""The month close: a month's balance of each account and currency, and whether it stands.

    close_month(store, month, …)      a month's books, from the files, with what speaks against closing it
    Register(place, mode)             the sign-offs of months: what was signed is written down, and compared

The core is pure: rows in, sheet out.

    month                             a month of a zone's calendar, and its partitions
    rows, sheet                       what is read of the files, and what it adds up to
    tables, reading, gathering        which tables a month is made of, their rows, their checks
    closing                           all of it: the sheet, its inputs, and the problems
    sign_off, register                what was signed, what became of it, and where that is written
    layout, rendering                 the sheet as the Dashboard has it: for terminals, Markdown, CSV, HTML
    pictures                          and as a picture
"""

from connector.close.closing import Closing, close_month
from connector.close.month import Month
from connector.close.register import Register
from connector.close.sheet import CurrencySheet
from connector.close.sign_off import SignOff, changes_since

__all__ = ["Closing", "CurrencySheet", "Month", "Register", "SignOff", "changes_since", "close_month"]
