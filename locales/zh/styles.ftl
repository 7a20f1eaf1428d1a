### 五种风格的叫法。

style-comic = 漫画
style-watercolor = 水彩
style-ink = 水墨
style-realistic = 写实
style-traditional = 传统木版
