"""HelixNet: business files in, validated JSON out."""
