"""What makes UNet calls faster: torch.compile and CUDA graphs."""
