"""What happens, as it goes to the bot and the page: the gateway, broadcasts, what people on the page do."""
