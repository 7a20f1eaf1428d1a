### The five styles, as people call them.

style-comic = Comic
style-watercolor = Watercolor
style-ink = Ink
style-realistic = Realistic
style-traditional = Traditional
