"""`python -m connector` is the command `stripe-reports`."""

from connector.cli import main

if __name__ == "__main__":
    main()
