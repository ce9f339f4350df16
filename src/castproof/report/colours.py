"""The colours of every chart and picture: Okabe and Ito's, safe for the colour-blind, and greys."""

GOOD = "#0072B2"
DEFECTIVE = "#D55E00"
INK = "#1F2933"
QUIET = "#5F6B7A"
RULE = "#D9DEE4"
