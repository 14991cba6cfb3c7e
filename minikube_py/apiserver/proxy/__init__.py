"""What lies behind `…/proxy`: pods, services and nodes asked over HTTP through the API server."""
