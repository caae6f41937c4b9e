"""What several tests share: signal builders and scripted peers."""
