// words/elsewhere-chat.uk.js - when the other site of the centre comes into it, in Ukrainian
export const words = {
  moving_asking: "Зараз немає зв’язку. Ми пробуємо і наш другий майданчик.",
  moving_going: "Роботу приймає наш другий майданчик. Вас з’єднують.",
  moved_here: "Тепер ви на зв’язку з {to}. Продовжуйте тут.",
  arriving: "З’єднуємо вас із {here}…",
  arriving_slow: "Це триває довше, ніж зазвичай. Ми продовжуємо пробувати.",
  arriving_ask: "Ви прийшли з {other}. Продовжити розмову тут?",
  arriving_go_on: "Продовжити тут",
  arriving_not: "Ні, новий чат",
  arriving_back: "Назад: {other}",
};
