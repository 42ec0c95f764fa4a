"""What is assumed of Stripe, tested on a real account: `stripe-reports doctor --probe`."""
