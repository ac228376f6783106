"""`python -m deepfake_adv`: the command line of the checkout that one stands in."""

from deepfake_adv.cli import main

if __name__ == "__main__":
    main()
