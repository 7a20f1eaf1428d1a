### Пять стилей — так, как их называют люди.

style-comic = Комикс
style-watercolor = Акварель
style-ink = Тушь
style-realistic = Фотореализм
style-traditional = Гравюра
