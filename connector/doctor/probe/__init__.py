"""What is assumed of Stripe, tried on a real account: `stripe-reports doctor --probe`."""
