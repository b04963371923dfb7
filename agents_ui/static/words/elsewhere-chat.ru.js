// words/elsewhere-chat.ru.js - when the other site of the centre comes into it, in Russian
export const words = {
  moving_asking: "Сейчас нет связи. Мы пробуем и нашу вторую площадку.",
  moving_going: "Работу принимает наша вторая площадка. Вас соединяют.",
  moved_here: "Теперь вы на связи с {to}. Продолжайте здесь.",
  arriving: "Соединяем вас с {here}…",
  arriving_slow: "Это длится дольше обычного. Мы продолжаем пробовать.",
  arriving_ask: "Вы пришли с {other}. Продолжить разговор здесь?",
  arriving_go_on: "Продолжить здесь",
  arriving_not: "Нет, новый чат",
  arriving_back: "Назад: {other}",
};
