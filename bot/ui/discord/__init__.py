"""What every feature needs of Discord: responses, retries, persistent components, permissions, attachments."""
