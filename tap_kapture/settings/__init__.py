"""What users set: declared once, checked into values, complained of in words."""
